/** Valid URLs of endpoints and their parts; where the policy permits `http:`. */
import { describe, expect, it } from 'vitest'
import { judgeUrl } from '#server/domain/network/host-policy.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import { fc } from '#test/support/house/properties.ts'

function read(text: string) {
  const parsed = parseEndpointUrl(text)
  if (!parsed.ok) throw new Error(`refused: ${parsed.code}`)
  return parsed.url
}

describe("an endpoint's URL", () => {
  it('is read into host, port and request target, and has one canonical form', () => {
    expect(read('HTTPS://API.Acme.io/Source?x=1&y=a/b?c@d')).toEqual({
      host: 'api.acme.io',
      port: 443,
      path: '/Source?x=1&y=a/b?c@d',
      secure: true,
      href: 'https://api.acme.io/Source?x=1&y=a/b?c@d',
    })
    expect(read('https://api.acme.io').href).toBe('https://api.acme.io/')
    expect(read('https://api.acme.io?x').path).toBe('/?x')
    expect(read('https://api.acme.io:443/').href).toBe('https://api.acme.io/')
    expect(read('https://[2600:1F18:0::1]:8443/x')).toMatchObject({
      host: '2600:1f18::1',
      port: 8443,
      href: 'https://[2600:1f18::1]:8443/x',
    })
  })

  it('keeps dot segments and escapes as written', () => {
    expect(read('https://api.acme.io/a/../b/%2e%2E/%41').path).toBe('/a/../b/%2e%2E/%41')
  })

  it.for([
    ['https://u@api.acme.io/', 'credentials_refused'],
    ['https://u:p@api.acme.io/', 'credentials_refused'],
    ['https://api.acme.io/#x', 'fragment_refused'],
    ['https://api.acme.io\\x', 'host_malformed'],
    ['https://api.acme.io/a b', 'character_unencoded'],
    ['https://api.acme.io/ä', 'character_unencoded'],
    ['https://api.acme.io/{{x}}', 'character_unencoded'],
    ['https://api.acme.io/%zz', 'escape_malformed'],
    ['https://api.acme.io/\t', 'character_refused'],
    ['https://a.io,b.io/', 'host_several'],
    ['https://api.acme.io:0/', 'port_malformed'],
    ['https://?x', 'host_missing'],
    ['https:/api.acme.io/', 'scheme_refused'],
    [' https://api.acme.io/', 'scheme_refused'],
    ['httpſ://api.acme.io/', 'scheme_refused'],
    [`https://api.acme.io/${'a'.repeat(2048)}`, 'too_long'],
  ] as const)('is refused: %s as %s', ([text, code]) => {
    expect(parseEndpointUrl(text)).toMatchObject({ ok: false, code })
  })

  it('is read as WHATWG parsers read it, or not at all', () => {
    const piece = fc.constantFrom(
      ...['a', 'api.acme.io', '10.1.1.1', '[2600::1]', '[::ffff:1.2.3.4]', ':443', ':8443', ':1', '/', '?', '&'],
      ...['=', '%41', '.', '..', 'A', '@', '#', '\\', ' ', '%', '0x7f', '1', '-', '_', '~', ';', 'ä', '／', '。'],
    )
    fc.assert(
      fc.property(
        fc.constantFrom('https://', 'http://', 'HTTPS://'),
        fc.array(piece, { maxLength: 8 }),
        (scheme, rest) => {
          const parsed = parseEndpointUrl(scheme + rest.join(''))
          if (!parsed.ok) return
          const { host, port, secure, href } = parsed.url
          const url = new URL(scheme + rest.join(''))
          expect(url.hostname.replace(/^\[|\]$/g, '')).toBe(host)
          expect(url.port || (secure ? '443' : '80')).toBe(`${port}`)
          expect(new URL(href).href).toBe(url.href)
        },
      ),
    )
  })
})

describe('a URL without TLS', () => {
  it('is refused unless the installation has opened the network', () => {
    expect(judgeUrl(read('http://api.acme.io:443/'), { openNetworks: [] })).toBe('tls_required')
    expect(judgeUrl(read('http://api.acme.io/'), { openNetworks: [] })).toBe('port_refused')
    expect(judgeUrl(read('http://52.95.110.1:8443/'), { openNetworks: ['10.0.0.0/8'] })).toBe('tls_required')
    expect(judgeUrl(read('http://127.0.0.1:8080/'), { openNetworks: [] })).toBe('host_refused')
  })

  it('is left to the look-up when a network is open, and passes there by address', () => {
    expect(judgeUrl(read('http://api.acme.io:8080/'), { openNetworks: ['10.0.0.0/8'] })).toBeNull()
    expect(judgeUrl(read('http://10.1.2.3:8080/'), { openNetworks: ['10.0.0.0/8'] })).toBeNull()
  })
})
