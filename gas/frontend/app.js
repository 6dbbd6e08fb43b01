// What every page loads: htmx with its morph extension, live regions, menus, local times.

import 'htmx.org'
import 'idiomorph/dist/idiomorph-ext.esm.js'
import './live.js'
import './menu.js'
import { localTimes } from './times.js'
import { submitOnce } from './forms.js'

localTimes(document)
submitOnce(document)
document.addEventListener('htmx:afterSwap', (event) => localTimes(event.detail.elt.ownerDocument))
