import type { RuntimeKind } from './runtime.ts';

export interface RuntimeFacts {
  /** Whose system runs at this moment. */
  readonly running: readonly RuntimeKind[];
  /** `RUNTIME` of `.env` or the shell. */
  readonly wanted: RuntimeKind | 'auto';
  /** Whether a Docker engine answers, and Compose is there. */
  readonly engineAnswers: boolean;
}

/** A system that runs decides; then what is wanted; then whether there is a Docker engine. */
export function chooseRuntime({ running, wanted, engineAnswers }: RuntimeFacts): RuntimeKind {
  const [only, ...others] = running;
  if (only !== undefined && others.length === 0) return only;
  if (wanted !== 'auto') return wanted;
  return engineAnswers ? 'compose' : 'local';
}
