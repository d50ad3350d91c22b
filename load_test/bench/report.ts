export function report(what: string, value: string, goal: string): void {
  console.log(`${what.padEnd(52)} ${value.padEnd(28)} goal ${goal}`);
}

/** How the memory of each service has grown, in bytes. */
export function reportGrowth(
  early: ReadonlyMap<string, number>,
  late: ReadonlyMap<string, number>,
  between: string,
): void {
  for (const [service, bytes] of late) {
    const before = early.get(service) ?? Number.NaN;
    const sizes = `${mebibytes(before)} → ${mebibytes(bytes)}`;
    report(`memory of ${service}, ${between}`, `${(bytes / before).toFixed(2)}× (${sizes})`, '≤ 1.2×');
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}
