/**
 * Flags of Node for every service. V8 lets the young generation grow to 16 MB a semi-space and more under load and hands
 * little of it back; 8 MB keep the resident memory of a service flat over thousands of jobs.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=8'];
