/**
 * The code points for which a TrueType or OpenType font has a glyph: formats 4 and 12 of its table `cmap`
 * (ISO/IEC 14496-22, 5.3).
 */
export function charactersOf(font: Buffer): Set<number> {
  const found = new Set<number>();
  const cmap = tableAt(font, 'cmap');
  for (let i = 0; i < font.readUInt16BE(cmap + 2); i++) {
    const table = cmap + font.readUInt32BE(cmap + 8 + i * 8);
    const format = font.readUInt16BE(table);
    if (format === 4) addSegments(found, font, table);
    else if (format === 12) addGroups(found, font, table);
  }
  return found;
}

function tableAt(font: Buffer, name: string): number {
  for (let at = 12; at < 12 + font.readUInt16BE(4) * 16; at += 16) {
    if (font.toString('latin1', at, at + 4) === name) return font.readUInt32BE(at + 8);
  }
  throw new Error(`The font has no table "${name}".`);
}

function addSegments(found: Set<number>, font: Buffer, table: number): void {
  const bytes = font.readUInt16BE(table + 6);
  for (let end = table + 14; end < table + 14 + bytes; end += 2) {
    const start = end + bytes + 2;
    const offset = start + 2 * bytes;
    for (let code = font.readUInt16BE(start); code <= Math.min(font.readUInt16BE(end), 0xfffe); code++) {
      const glyphs = font.readUInt16BE(offset);
      const delta = font.readUInt16BE(start + bytes);
      const glyph =
        glyphs === 0
          ? code + delta
          : font.readUInt16BE(offset + glyphs + 2 * (code - font.readUInt16BE(start)));
      if ((glyph & 0xffff) !== 0) found.add(code);
    }
  }
}

function addGroups(found: Set<number>, font: Buffer, table: number): void {
  for (let i = 0; i < font.readUInt32BE(table + 12); i++) {
    const group = table + 16 + i * 12;
    const isMissing = font.readUInt32BE(group + 8) === 0;
    for (let code = font.readUInt32BE(group); code <= font.readUInt32BE(group + 4); code++) {
      if (!isMissing || code > font.readUInt32BE(group)) found.add(code);
    }
  }
}
