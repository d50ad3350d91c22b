import { operationsSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { describe, expect, it } from 'vitest';
import { defaultImageLimits } from '../engine/image-limits.ts';
import { estimateMs, planSteps } from './plan-steps.ts';

const CAMERA = { width: 4_000, height: 3_000 };
const LARGEST = { width: 5_000, height: 5_000 };
const blur = { type: 'filter', name: 'blur', radius: 100 };
const fit = { type: 'resize', width: 800, height: 600 };

describe('the estimated time', () => {
  it.each([
    ['of a photo that is reduced', CAMERA, [fit], 'jpeg', 74],
    ['of a photo that is reduced last', CAMERA, [blur, fit], 'jpeg', 878],
    ['grows with each operation', CAMERA, [blur, blur, blur], 'jpeg', 1_092],
    ['is that of the reduced image for what comes after', CAMERA, [fit, blur, blur, blur], 'png', 132],
    ['of the largest image with the most expensive operations', LARGEST, Array(10).fill(blur), 'webp', 8_500],
  ] as const)('%s', (_what, source, operations, format, ms) => {
    const steps = planSteps(source, operationsSchema.parse(operations), defaultImageLimits);
    expect(Math.round(estimateMs(source, steps, format))).toBe(ms);
  });
});
