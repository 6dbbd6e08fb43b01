// What can be said about a file before any of it is sent. The server checks everything again.

const anyOf = new Intl.ListFormat('en-GB', { type: 'disjunction' })

export function formatBytes(bytes) {
  if (bytes < 1024) return `${bytes} bytes`
  const units = ['KB', 'MB', 'GB', 'TB']
  let value = bytes / 1024
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${units[unit]}`
}

/** One sentence on why the file cannot be taken, or '' when nothing speaks against it. */
export function objection({ name, size }, { maxBytes, suffixes }) {
  const lower = name.toLowerCase()
  if (!suffixes.some((suffix) => lower.endsWith(suffix))) {
    return `This is not a VCF by its name: it should end in ${anyOf.format(suffixes)}.`
  }
  if (size === 0) return 'This file is empty.'
  if (size > maxBytes) {
    const over = formatBytes(size) === formatBytes(maxBytes) ? `${size.toLocaleString()} bytes` : formatBytes(size)
    return `This file is ${over}; the limit is ${formatBytes(maxBytes)}. Compress it with bgzip, or split it.`
  }
  return ''
}
