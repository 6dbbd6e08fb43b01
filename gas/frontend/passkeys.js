// Passkeys: the page's one button is given to allauth's script (window.allauth), and what goes wrong is told in words.

const words = {
  NotAllowedError: 'Nothing came from your passkey: it was cancelled, or took too long. Try again.',
  InvalidStateError: 'This device or key is on your account already.',
  SecurityError: 'Browsers allow passkeys at a name with https, or at localhost, and not at this address.',
  NotSupportedError: 'This device cannot make such a passkey.',
}

function tell(error) {
  const place = document.querySelector('[data-passkey-trouble]')
  place.lastElementChild.textContent = words[error?.name] ?? 'That did not work. Reload the page and try again.'
  place.hidden = false
}

function setUp() {
  const button = document.getElementById('passkey')
  const { forms } = window.allauth.webauthn
  const ids = { credential: button.dataset.credential ?? 'passkey-credential', data: 'js_data' }
  button.addEventListener('click', () => {
    document.querySelector('[data-passkey-trouble]').hidden = true
  })
  if (!window.PublicKeyCredential) {
    button.addEventListener('click', (event) => {
      event.preventDefault()
      tell({ name: window.isSecureContext ? 'NotSupportedError' : 'SecurityError' })
    })
    return
  }
  const kind = button.dataset.passkey
  if (kind === 'login') forms.loginForm({ ids: { login: 'passkey', credential: ids.credential } })
  if (kind === 'add') forms.addForm({ ids: { ...ids, add: 'passkey', passwordless: button.dataset.passwordless } })
  if (kind === 'authenticate') forms.authenticateForm({ ids: { ...ids, authenticate: 'passkey' } })
}

document.addEventListener('allauth.error', (event) => {
  event.preventDefault() // else it goes to the console
  tell(event.detail.exception)
})
setUp()
