import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { criticalT, differenceBetween, fitUsl, median, type Point, predictThroughput } from './statistics.ts';

describe('median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('the difference between two sets of repeats', () => {
  it('is beyond the noise when Welch’s interval leaves out 0', () => {
    // Means 10 and 14, both variances 1, n = 3: standard error √(2/3) = 0.8165, 4 degrees of freedom, t = 2.776.
    const { difference, ratio, margin, beyondNoise } = differenceBetween([9, 10, 11], [13, 14, 15]);
    expect(difference).toBe(4);
    expect(ratio).toBe(1.4);
    expect(margin).toBeCloseTo(2.776 * Math.sqrt(2 / 3), 6);
    expect(beyondNoise).toBe(true);
  });

  it('is within the noise when the repeats overlap', () => {
    expect(differenceBetween([9, 10, 11], [10, 11, 12]).beyondNoise).toBe(false);
  });

  it('has unknown noise when a side has one repeat', () => {
    expect(differenceBetween([10], [20, 21, 22])).toMatchObject({ margin: null, beyondNoise: null });
  });

  it('counts any difference where the repeats of each side are identical', () => {
    expect(differenceBetween([0, 0, 0], [2, 2, 2]).beyondNoise).toBe(true);
    expect(differenceBetween([0, 0, 0], [0, 0, 0]).beyondNoise).toBe(false);
  });

  it('is the same with the sides exchanged, but for its sign', () => {
    const values = fc.array(fc.double({ min: 1, max: 100, noNaN: true }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [there, back] = [differenceBetween(a, b), differenceBetween(b, a)];
        expect(back.difference).toBeCloseTo(-there.difference, 9);
        expect(back.margin).toBeCloseTo(there.margin ?? Number.NaN, 9);
      }),
    );
  });
});

describe('the critical value of Student’s t', () => {
  it('is that of the table, and between two rows lies between their values', () => {
    expect(criticalT(2)).toBeCloseTo(4.303, 9);
    expect(criticalT(2.5)).toBeCloseTo((4.303 + 3.182) / 2, 6);
    expect(criticalT(1)).toBe(12.706);
    expect(criticalT(1_000)).toBe(1.98);
  });
});

const counts = [1, 2, 3, 4, 6, 8, 12, 16];
const pointsOf = (lambda: number, sigma: number, kappa: number): Point[] =>
  counts.map((slots) => ({ slots, throughput: predictThroughput({ lambda, sigma, kappa }, slots) }));

describe('the fit of the Universal Scalability Law', () => {
  it('finds the coefficients that the throughput was made from', () => {
    const coefficient = (max: number) => fc.double({ min: 0, max, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 50, noNaN: true }),
        coefficient(0.5),
        coefficient(0.05),
        (lambda, sigma, kappa) => {
          const fit = fitUsl(pointsOf(lambda, sigma, kappa));
          expect(fit?.lambda).toBeCloseTo(lambda, 4);
          expect(fit?.sigma).toBeCloseTo(sigma, 4);
          expect(fit?.kappa).toBeCloseTo(kappa, 4);
          expect(fit?.rSquared).toBeCloseTo(1, 4);
        },
      ),
    );
  });

  it('predicts the peak at √((1 − σ) / κ)', () => {
    const fit = fitUsl(pointsOf(10, 0.1, 0.009));
    expect(fit?.peakSlots).toBeCloseTo(10, 3);
    // 10 · 10 / (1 + 0.1 · 9 + 0.009 · 10 · 9)
    expect(fit?.peakThroughput).toBeCloseTo(100 / 2.71, 3);
  });

  it('has no peak without coherency cost: throughput approaches λ / σ', () => {
    expect(fitUsl(pointsOf(10, 0.2, 0))).toMatchObject({ peakSlots: null });
    expect(fitUsl(pointsOf(10, 0.2, 0))?.peakThroughput).toBeCloseTo(50, 3);
    expect(fitUsl(pointsOf(10, 0, 0))).toMatchObject({ peakSlots: null, peakThroughput: null });
  });

  it('keeps σ and κ from being negative, whatever the noise', () => {
    const throughputs = fc.array(fc.double({ min: 1, max: 20, noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(throughputs, (values) => {
        const fit = fitUsl(values.map((throughput, i) => ({ slots: i + 1, throughput })));
        expect(fit?.sigma).toBeGreaterThanOrEqual(0);
        expect(fit?.kappa).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is refused with fewer than five numbers of slots, however many repeats', () => {
    const four = [1, 2, 3, 5].flatMap((slots) => [1, 2, 3].map(() => ({ slots, throughput: slots })));
    expect(fitUsl(four)).toBeNull();
  });
});
