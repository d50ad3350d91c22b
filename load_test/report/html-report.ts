import type { Analysis } from './analyse.ts';
export async function htmlReport(_analysis: Analysis): Promise<string> {
  return Promise.resolve('');
}
