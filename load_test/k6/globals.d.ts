/** k6 provides it, but its types do not. */
declare const console: Record<'log' | 'warn' | 'error', (message: string) => void>;
