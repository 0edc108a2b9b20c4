/**
 * A chart, with its numbers as a table for readers who cannot see it. The library loads when the first chart is shown;
 * the space for the chart is reserved before. The colours are those of the style sheet in either theme.
 */
import { useEffect, useRef } from 'react'
import '#client/console/styles/chart.css'
import type { ChartSpec } from './spec.ts'

/** A chart. `label` describes it; `height` is in rem. */
export function Chart({ label, spec, height = 11 }: { label: string; spec: ChartSpec; height?: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useDrawing(canvas, spec)
  return (
    <figure className="chart">
      <div className="chart-room" style={{ height: `${height}rem` }}>
        <canvas ref={canvas} role="img" aria-label={label} />
      </div>
      <details className="chart-table">
        <summary>
          As a table<span className="unseen">: {label}</span>
        </summary>
        <Numbers label={label} spec={spec} />
      </details>
    </figure>
  )
}

/** Redraws the chart when its content or the theme changes. */
function useDrawing(canvas: { readonly current: HTMLCanvasElement | null }, spec: ChartSpec): void {
  useEffect(() => {
    let isOver = false
    let erase: (() => void) | null = null
    const draw = async () => {
      const { drawChart } = await import('./draw.ts')
      if (isOver || canvas.current === null) return
      erase?.()
      erase = drawChart(canvas.current, spec)
    }
    void draw()
    const themes = new MutationObserver(() => void draw())
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const system = matchMedia('(prefers-color-scheme: dark)')
    const redraw = () => void draw()
    system.addEventListener('change', redraw)
    return () => {
      isOver = true
      themes.disconnect()
      system.removeEventListener('change', redraw)
      erase?.()
    }
  }, [canvas, spec])
}

function Numbers({ label, spec: { labels, series, format } }: { label: string; spec: ChartSpec }) {
  return (
    <div className="chart-numbers">
      <table className="table">
        <caption className="unseen">{label}</caption>
        <thead>
          <tr>
            <th scope="col"> </th>
            {series.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((one, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two labels may be alike, and their order is fixed
            <tr key={`${at} ${one}`}>
              <th scope="row">{one}</th>
              {series.map(({ name, values }) => {
                const value = values[at]
                return <td key={name}>{value === null || value === undefined ? '–' : format(value)}</td>
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
