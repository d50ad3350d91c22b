const SOS = 0xda;

/**
 * Where a JPEG's segments of a kind are, e.g. 0xc2 for the header of a progressive frame; scans with their
 * data.
 */
export function jpegSegments(file: Buffer, marker: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 2; at + 4 <= file.length;) {
    const code = file.readUInt8(at + 1);
    if (code === 0xd9) break;
    let end = at + 2 + file.readUInt16BE(at + 2);
    if (code === SOS) while (file[end] !== 0xff || file[end + 1] === 0) end += 1;
    if (code === marker) found.push(file.subarray(at, end));
    at = end;
  }
  return found;
}

/** A JPEG with another segment right behind its start. */
export function withSegment(file: Buffer, marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([file.subarray(0, 2), head, data, file.subarray(2)]);
}

/** A progressive JPEG that repeats its last scan so many times; each is decoded. */
export function withMoreScans(file: Buffer, more: number): Buffer {
  const last = jpegSegments(file, SOS).at(-1) ?? Buffer.alloc(0);
  const end = file.lastIndexOf(Buffer.from([0xff, 0xd9]));
  return Buffer.concat([
    file.subarray(0, end),
    ...Array.from({ length: more }, () => last),
    file.subarray(end),
  ]);
}
