/** Messages of Docker 20 and later, with and without its proxy process; the third since Docker 28, in two forms. */
const TAKEN_PORT = new RegExp(
  [
    /Bind for \S+:(\d+) failed: port is already allocated/,
    /listen tcp4? \S+:(\d+): bind: address already in use/,
    /failed to bind host port (?:for )?\S+?:(\d+)(?:\/tcp|:\S+): address already in use/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

const ERROR = /^\s*(?:ERROR\b|Error response|failed to |Cannot |no configuration file)/im;

/**
 * Why a command of Compose failed, in one line, with what to do if that is known.
 * @param portVariables the variable of `.env` that moves each port of this machine
 */
export function explainFailure(output: string, portVariables: ReadonlyMap<number, string>): string {
  const taken = TAKEN_PORT.exec(output);
  if (taken !== null) {
    const port = Number(taken.slice(1).find(Boolean));
    const variable = portVariables.get(port);
    const elsewhere = variable === undefined ? '' : `, or set ${variable} in .env to another port`;
    return `Port ${port} is already in use. Stop the program that uses it (to find it: lsof -i :${port})${elsewhere}.`;
  }
  if (/no space left on device/i.test(output)) {
    return "Docker's disk is full. To see what uses it: docker system df. To remove unused images: docker system prune -a, then make up";
  }
  const line = output.split('\n').find((text) => ERROR.test(text)) ?? output.trim().split('\n').at(-1) ?? '';
  return line.trim();
}

/** The first problem in the message of a service that exits with an invalid configuration; see ConfigError. */
export function configurationProblemIn(log: string): string | undefined {
  return /^The configuration has .*\n {2}- (.+)$/m.exec(log)?.[1];
}
