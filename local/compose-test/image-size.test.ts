import { expect, test } from 'vitest';
import { imageSize } from './image-size.ts';

test.each([
  ['', '/bin/sh -c #(nop)  '],
  ['BuildKit', ''],
])('the sizes of an image and of its base are computed from its layers %s', (_, prefix) => {
  const history = `0 CMD ["node" "main.ts"]
200 COPY --chown=node:node api api # buildkit
3000 COPY /app/node_modules node_modules
0 ${prefix}ENV NODE_ENV=development
0 ${prefix}CMD ["node"]
40000 RUN /bin/sh -c install node
`;
  expect(imageSize(history)).toEqual({ total: 43_200, base: 40_000 });
});

test('a history without layers of ours is no size', () => {
  expect(() => imageSize('5 FROM scratch\n')).toThrow(/no layer of ours/);
});
