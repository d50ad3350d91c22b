import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

const otherRooms = {
  regex: '(\\.\\.|@image-pipeline)/(api|worker|notification|monitoring|local|load_test)/',
  message:
    'A service imports shared and itself, and shared imports nobody. Tests of several services are in testing/.',
};
const testingRoom = { regex: '(^|/)testing/', message: 'Only tests import testing/.' };

export default tseslint.config(
  { ignores: ['**/node_modules/', 'coverage/', '.run/', 'api/web/dist/'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['shared/**/*.ts', 'api/**/*.ts', 'worker/**/*.ts', 'notification/**/*.ts', 'monitoring/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [otherRooms] }] },
  },
  {
    files: ['shared/**/*.ts', 'api/**/*.ts', 'worker/**/*.ts', 'notification/**/*.ts', 'monitoring/**/*.ts'],
    ignores: ['**/*.test.ts', '**/testing/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [otherRooms, testingRoom] }] },
  },
);
