/**
 * Draws with Chart.js, of which only the imported parts are loaded. There is no animation, no request and no style
 * element: it only draws on a canvas. Called by `chart.tsx`, which loads this file when a chart is shown.
 */
import {
  BarController,
  BarElement,
  Chart as Base,
  CategoryScale,
  type ChartConfiguration,
  type ChartDataset,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js'
import type { ChartSpec, ChartTone, Series } from './spec.ts'

const PARTS = [
  BarController,
  BarElement,
  CategoryScale,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
]

/** Draws on a canvas; the returned function removes the drawing. */
export function drawChart(canvas: HTMLCanvasElement, spec: ChartSpec): () => void {
  Base.register(...PARTS)
  const colors = colorsOf(canvas)
  const chart = new Base(canvas, configurationOf(spec, colors))
  return () => chart.destroy()
}

type Color = (name: ChartTone | 'text-soft' | 'line' | 'raised' | 'text') => string

/** Returns the colours as computed in the current theme, because a canvas cannot use CSS variables. */
function colorsOf(canvas: HTMLCanvasElement): Color {
  return name => {
    canvas.style.color = `var(--${name})`
    const color = getComputedStyle(canvas).color
    canvas.style.removeProperty('color')
    return color
  }
}

type Kind = 'bar' | 'line'

function configurationOf(spec: ChartSpec, color: Color): ChartConfiguration<Kind> {
  const { labels, series, isStacked = false, isHorizontal = false, format } = spec
  const font = { family: getComputedStyle(document.body).fontFamily, size: 11 }
  const ticks = { color: color('text-soft'), font }
  const values = { stacked: isStacked, beginAtZero: true, border: { display: false }, grid: { color: color('line') } }
  const names = { stacked: isStacked, border: { color: color('line') }, grid: { display: false } }
  const valueAxis = {
    ...values,
    ticks: { ...ticks, maxTicksLimit: 5, precision: 0, callback: (value: string | number) => format(Number(value)) },
  }
  const nameAxis = { ...names, ticks: { ...ticks, maxRotation: 0, autoSkip: !isHorizontal, autoSkipPadding: 18 } }
  return {
    type: spec.kind,
    data: { labels: [...labels], datasets: series.map(one => datasetOf(spec.kind, one, color)) },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: isHorizontal ? 'y' : 'x',
      interaction: { mode: 'index', intersect: false, axis: isHorizontal ? 'y' : 'x' },
      scales: isHorizontal ? { x: valueAxis, y: nameAxis } : { x: nameAxis, y: valueAxis },
      plugins: pluginsOf(spec, { color, font }),
    },
  }
}

type Font = { family: string; size: number }

function pluginsOf({ series, format }: ChartSpec, { color, font }: { color: Color; font: Font }) {
  const labels = { color: color('text-soft'), font, boxWidth: 8, boxHeight: 8, useBorderRadius: true, borderRadius: 2 }
  const onDark = { backgroundColor: color('text'), titleColor: color('raised'), bodyColor: color('raised') }
  const callbacks = {
    label: ({ dataset, raw }: { dataset: { label?: string | undefined }; raw: unknown }) =>
      ` ${dataset.label}: ${format(Number(raw))}`,
  }
  return {
    legend: { display: series.length > 1, align: 'end' as const, labels },
    tooltip: { ...onDark, titleFont: font, bodyFont: font, boxPadding: 4, callbacks },
  }
}

function datasetOf(
  kind: Kind,
  { name, tone, tones, values }: Series,
  color: Color,
): ChartDataset<Kind, (number | null)[]> {
  const own = color(tone)
  const shared = { label: name, data: [...values] }
  if (kind === 'line')
    return {
      ...shared,
      borderColor: own,
      backgroundColor: own,
      borderWidth: 1.75,
      pointRadius: 0,
      pointHitRadius: 8,
      tension: 0.25,
      spanGaps: false,
    }
  return {
    ...shared,
    backgroundColor: tones === undefined ? own : tones.map(color),
    borderRadius: 2,
    maxBarThickness: 22,
    categoryPercentage: 0.85,
    barPercentage: 0.9,
  }
}
