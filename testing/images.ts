/** Images of 3 × 2 pixels, one of each supported type. */
export const images = {
  'image/png': decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAEElEQVQI12PoWHUGghjgLAB2BAv1bUpjpQAAAABJRU5ErkJggg==',
  ),
  'image/jpeg': decode(
    '/9j/2wBDABAQEBAREBIUFBIZGxgbGSUiHx8iJTgoKygrKDhVNT41NT41VUtbSkVKW0uHal5eaoecg3yDnL2pqb3u4u7/////2wBDARAQEBAREBIUFBIZGxgbGSUiHx8iJTgoKygrKDhVNT41NT41VUtbSkVKW0uHal5eaoecg3yDnL2pqb3u4u7/////wgARCAACAAMDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAX/xAAUAQEAAAAAAAAAAAAAAAAAAAAE/9oADAMBAAIQAxAAAACkFl//xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAE/AH//xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oACAECAQE/AH//xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oACAEDAQE/AH//2Q==',
  ),
  'image/gif': decode('R0lGODlhAwACAIAAAExpcYiqzCH5BAUAAAAALAAAAAADAAIAAAICjF8AOw=='),
  'image/webp': decode('UklGRh4AAABXRUJQVlA4TBEAAAAvAkAAAAdQ1SKWuf+BiOh/AAA='),
} as const;

/** A form as `curl -F` would send it. */
export function form(
  files: readonly {
    readonly bytes?: Uint8Array<ArrayBuffer>;
    readonly name?: string;
    readonly field?: string;
  }[],
  fields: Readonly<Record<string, string>> = {},
): FormData {
  const data = new FormData();
  for (const { bytes = images['image/png'], name = 'photo.png', field = 'file' } of files) {
    data.append(field, new Blob([bytes]), name);
  }
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}
