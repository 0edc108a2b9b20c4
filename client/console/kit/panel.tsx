/**
 * The frame of a page and its parts: heading, actions, panels, and lists of facts. Headings are nested properly: a page
 * has one h1, each panel an h2.
 */
import { type ReactNode, useId } from 'react'

/** A page: its title, which is also the title of the document, a line of description, actions, and content. */
export function PageFrame(props: {
  title: ReactNode
  name: string
  about?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <div className="page">
      <title>{`${props.name} · Mooring`}</title>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1}>{props.title}</h1>
          {props.about === undefined ? null : <p className="soft">{props.about}</p>}
        </div>
        {props.actions === undefined ? null : <div className="actions">{props.actions}</div>}
      </header>
      {props.children}
    </div>
  )
}

/** A part of a page. With `isFlush`, the content reaches the edges, as tables do. */
export function Panel({
  isFlush,
  title,
  about,
  actions,
  children,
}: {
  title?: ReactNode
  about?: ReactNode
  actions?: ReactNode
  isFlush?: boolean
  children: ReactNode
}) {
  const id = useId()
  return (
    <section
      className={isFlush === true ? 'panel flush' : 'panel'}
      aria-labelledby={title === undefined ? undefined : id}
    >
      {title === undefined ? null : (
        <header className="panel-head">
          <div>
            <h2 id={id}>{title}</h2>
            {about === undefined ? null : <p className="soft small">{about}</p>}
          </div>
          {actions === undefined ? null : <div className="actions">{actions}</div>}
        </header>
      )}
      <div className="panel-body">{children}</div>
    </section>
  )
}

/** Names and values. A null value is left out together with its name. */
export function Facts({ facts }: { facts: Readonly<Record<string, ReactNode>> }) {
  return (
    <dl className="facts">
      {Object.entries(facts).map(([name, value]) =>
        value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
