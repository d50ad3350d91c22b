const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

/**
 * Reads keys one by one, and calls `onQuit` at Ctrl-C, Ctrl-D or q. The terminal sends no signal for Ctrl-C meanwhile:
 * one would reach all of `make`, `npx` and this program, and theirs would be the exit code. Does nothing where the input
 * is no terminal. Returns what gives the keys back.
 */
export function watchKeys(input: NodeJS.ReadStream, onQuit: () => void): () => void {
  if (!input.isTTY) return () => undefined;
  const onData = (data: Buffer) => {
    const keys = data.toString();
    if ([CTRL_C, CTRL_D, 'q', 'Q'].some((key) => keys.includes(key))) onQuit();
  };
  input.setRawMode(true);
  input.on('data', onData);
  return () => {
    input.off('data', onData);
    input.setRawMode(false);
    input.pause();
  };
}
