// ESLint for the scripts of the pages and of the front end's build: `make lint` runs it.

import js from '@eslint/js'
import globals from 'globals'

export default [
  js.configs.recommended,
  {
    files: ['gas/frontend/**/*.{js,mjs}', 'eslint.config.mjs'],
    languageOptions: { ecmaVersion: 2022, sourceType: 'module' },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      complexity: ['error', 12],
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'max-depth': ['error', 3],
      'max-lines-per-function': ['error', { max: 60, skipComments: true }],
      'no-alert': 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-param-reassign': 'error',
      'no-shadow': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
    },
  },
  { files: ['gas/frontend/*.js'], languageOptions: { globals: globals.browser } },
  { files: ['gas/frontend/*.mjs', 'eslint.config.mjs'], languageOptions: { globals: globals.node } },
]
