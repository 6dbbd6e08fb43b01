// A form is sent once, however often its button is pressed. The server does not rely on it.

export function submitOnce(root) {
  root.addEventListener('submit', (event) => {
    const form = event.target
    if (form.method !== 'post' || event.defaultPrevented) return
    if (form.dataset.sent) event.preventDefault()
    form.dataset.sent = 'yes'
  })
  // Coming back with the browser's Back button must find the form usable.
  window.addEventListener('pageshow', () => {
    for (const form of root.querySelectorAll('form[data-sent]')) delete form.dataset.sent
  })
}
