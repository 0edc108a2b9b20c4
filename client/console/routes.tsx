/**
 * The pages and their addresses, all of which are fragments. The code of a page loads when it is first opened, or
 * earlier when the pointer is over its link. `app.tsx` creates the router.
 */
import {
  createHashHistory,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { LiveProvider } from '#client/console/api/live.tsx'
import { datasourceSearch, listSearch, organizationSearch, registerSearch } from '#client/console/base/search.ts'
import { Loading } from '#client/console/kit/feedback.tsx'
import { PageFrame } from '#client/console/kit/panel.tsx'
import { Palette } from '#client/console/palette/palette.tsx'
import { ConsoleFrame } from '#client/console/shell/shell.tsx'

const root = createRootRouteWithContext()({
  component: () => (
    <LiveProvider>
      <ConsoleFrame palette={<Palette />} />
    </LiveProvider>
  ),
  notFoundComponent: NotFound,
})

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/datasources', replace: true })
  },
})

const list = createRoute({
  getParentRoute: () => root,
  path: '/datasources',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('#client/console/datasources/datasources.tsx'), 'Datasources'),
})

const one = createRoute({
  getParentRoute: () => root,
  path: '/datasources/$id',
  validateSearch: datasourceSearch,
  component: lazyRouteComponent(() => import('#client/console/datasource/datasource.tsx'), 'DatasourceScreen'),
})

const register = createRoute({
  getParentRoute: () => root,
  path: '/register',
  validateSearch: registerSearch,
  component: lazyRouteComponent(() => import('#client/console/register/register.tsx'), 'Register'),
})

const overview = createRoute({
  getParentRoute: () => root,
  path: '/overview',
  component: lazyRouteComponent(() => import('#client/console/overview/overview.tsx'), 'OverviewScreen'),
})

const organization = createRoute({
  getParentRoute: () => root,
  path: '/organization',
  validateSearch: organizationSearch,
  component: lazyRouteComponent(() => import('#client/console/organization/organization.tsx'), 'Organization'),
})

const tree = root.addChildren([home, list, one, register, overview, organization])

/** Creates the router for one page load. */
export function createConsoleRouter() {
  return createRouter({
    routeTree: tree,
    history: createHashHistory(),
    defaultPreload: 'intent',
    defaultPendingComponent: () => <Loading rows={8} />,
    scrollRestoration: true,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}

function NotFound() {
  return (
    <PageFrame title="There is no such page" name="Not found">
      <p className="soft">It may belong to another installation, or be mistyped.</p>
    </PageFrame>
  )
}
