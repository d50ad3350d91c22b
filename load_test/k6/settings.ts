import exec from 'k6/execution';

/*
 * Settings come as `k6 run -e COUNT=100 …` or from the environment. One that is missing or empty has its default.
 * k6 reads them while it loads the script, so an invalid one ends the run before anything is sent.
 */

/** A whole number. Ends the run with one line that says what is allowed, if it is none. */
export function wholeNumber(
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const given = text(name, String(fallback));
  const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  return refuse(
    `${name}=${given} is invalid: use a whole number from ${min} to ${max}, e.g. -e ${name}=${fallback}`,
  );
}

/** A number that may have a fraction. */
export function decimalNumber(
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const given = text(name, String(fallback));
  const value = /^\d{1,9}(\.\d{1,6})?$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  return refuse(
    `${name}=${given} is invalid: use a number from ${min} to ${max}, e.g. -e ${name}=${fallback}`,
  );
}

/** An http or https address, without a slash at its end. */
export function address(name: string, fallback: string): string {
  const given = text(name, fallback).replace(/\/+$/, '');
  if (/^https?:\/\/[^/\s]+$/.test(given)) return given;
  return refuse(`${name}=${given} is invalid: use an address such as ${fallback}`);
}

export function text(name: string, fallback = ''): string {
  const given = (__ENV[name] ?? '').trim();
  return given === '' ? fallback : given;
}

/** Ends the run with this line and exit code 108. */
export function refuse(message: string): never {
  exec.test.abort(message);
  throw new Error(message); // abort has thrown already; the compiler does not know
}
