// What a morph leaves alone: whether people have opened a <details>, and parts that are filled on their own.

import { Idiomorph } from 'idiomorph/dist/idiomorph-ext.esm.js'

Object.assign(Idiomorph.defaults.callbacks, {
  beforeAttributeUpdated: (name, node) => !(name === 'open' && node.localName === 'details'),
  beforeNodeMorphed: (node) => !node.dataset?.morphKeep,
})
