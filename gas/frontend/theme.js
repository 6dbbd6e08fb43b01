// Light and dark. Loaded in <head> without defer, so that the page is never drawn in the wrong theme first.
// The system decides until the button is used; choosing what the system already says hands it back.

const KEY = 'gas-theme'
const root = document.documentElement
const dark = window.matchMedia('(prefers-color-scheme: dark)')

const system = () => (dark.matches ? 'dark' : 'light')

function stored() {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null // storage may be forbidden; then every page follows the system
  }
}

function store(theme) {
  try {
    if (theme === system()) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // nothing to do: the choice lasts for this page
  }
}

function show(theme) {
  root.dataset.bsTheme = theme
  const button = document.querySelector('[data-theme-toggle]')
  if (!button) return
  const label = theme === 'dark' ? 'Switch to the light theme' : 'Switch to the dark theme'
  button.setAttribute('aria-label', label)
  button.title = label
  button.hidden = false
}

const current = () => stored() ?? system()

show(current())
dark.addEventListener('change', () => show(current()))
// Another tab may change the theme.
window.addEventListener('storage', (event) => event.key === KEY && show(current()))
document.addEventListener('DOMContentLoaded', () => {
  show(current())
  document.querySelector('[data-theme-toggle]')?.addEventListener('click', () => {
    const theme = root.dataset.bsTheme === 'dark' ? 'light' : 'dark'
    store(theme)
    show(theme)
  })
})
