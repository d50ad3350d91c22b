/** Something bad that is done to the system, and undone. Times are milliseconds. */
export type Fault =
  | { readonly kind: 'kill worker'; readonly worker: number }
  | { readonly kind: 'freeze worker'; readonly worker: number; readonly forMs: number }
  | { readonly kind: 'kill decoder' }
  | { readonly kind: 'kill api' }
  | { readonly kind: 'kill notification' }
  | { readonly kind: 'close connections' }
  | { readonly kind: 'cut connections' }
  | { readonly kind: 'half-open connections'; readonly forMs: number }
  | { readonly kind: 'restart broker' }
  | { readonly kind: 'kill broker' }
  | { readonly kind: 'memory alarm'; readonly forMs: number }
  | { readonly kind: 'store away'; readonly forMs: number };

/** A fault and when it begins, after the first upload. */
export type ScheduledFault = Fault & { readonly atMs: number };

/** One line of a schedule. */
export function describeFault(fault: ScheduledFault): string {
  const which = 'worker' in fault ? ` ${fault.worker}` : '';
  const length = 'forMs' in fault ? ` for ${(fault.forMs / 1_000).toFixed(1)} s` : '';
  return `${(fault.atMs / 1_000).toFixed(1).padStart(6)} s  ${fault.kind}${which}${length}`;
}
