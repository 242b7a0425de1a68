//! Whether two classes of times differ: Welch's t, as dudect takes it (Reparaz, Balasch and
//! Verbauwhede, "Dude, is my code constant time?", 2017).
//!
//! The longest times are the machine's and not the code's, so the test is also made without them:
//! with what is below each of a hundred percentiles. The largest of all these |t| counts.

/// What a test has come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Difference {
    /// The largest t by its amount; positive where the second class took longer.
    pub(super) t: f64,
    /// How much longer, in nanoseconds, with what was kept.
    pub(super) nanoseconds: f64,
    /// The part of the times that was kept.
    pub(super) kept: f64,
}

/// Sums over the shortest times of a class.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: usize,
    sum: f64,
    squares: f64,
}

/// Percentiles that are tried, beside no cropping.
const CROPS: i32 = 100;

/// With fewer times than this, a t says nothing.
const ENOUGH: usize = 500;

/// Compares two classes of times in nanoseconds.
pub(super) fn compare(mut classes: [Vec<u32>; 2]) -> Difference {
    classes.iter_mut().for_each(|times| times.sort_unstable());
    let mut all: Vec<u32> = classes.concat();
    all.sort_unstable();
    let Some(middle) = all.get(all.len() / 2).copied() else { return Difference::default() };
    let mut sums = [Sums::default(); 2];
    let mut largest = Difference::default();
    for crop in 1..=CROPS + 1 {
        let part = 1.0 - 0.5_f64.powf(10.0 * f64::from(crop) / f64::from(CROPS));
        let limit = match crop > CROPS {
            true => u32::MAX,
            false => all[(all.len() as f64 * part) as usize],
        };
        for (times, sums) in classes.iter().zip(&mut sums) {
            sums.extend(times, limit, f64::from(middle));
        }
        let kept = (sums[0].count + sums[1].count) as f64 / all.len() as f64;
        let [t, nanoseconds] = welch(&sums);
        if t.abs() > largest.t.abs() {
            largest = Difference { t, nanoseconds, kept };
        }
    }
    largest
}

impl Sums {
    /// Takes in all further times up to a limit, as distances from the middle: squares of what is
    /// large lose what is small.
    fn extend(&mut self, sorted: &[u32], limit: u32, middle: f64) {
        for time in sorted[self.count..].iter().take_while(|time| **time <= limit) {
            let distance = f64::from(*time) - middle;
            self.sum += distance;
            self.squares += distance * distance;
            self.count += 1;
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The variance of the mean.
    fn spread(&self) -> f64 {
        let count = self.count as f64;
        (self.squares - self.sum * self.sum / count) / (count - 1.0) / count
    }
}

/// t, and the difference of the means.
fn welch([first, second]: &[Sums; 2]) -> [f64; 2] {
    if first.count < ENOUGH || second.count < ENOUGH {
        return [0.0; 2];
    }
    let difference = second.mean() - first.mean();
    let spread = (first.spread() + second.spread()).sqrt();
    if spread > 0.0 { [difference / spread, difference] } else { [0.0, difference] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Times around a microsecond, some of them much longer, the second class slower by `by`.
    fn times(seed: u64, by: u32) -> [Vec<u32>; 2] {
        let mut rng = Rng::new(seed, 1);
        let mut classes = [Vec::new(), Vec::new()];
        for _ in 0..40_000 {
            let class = rng.below(2) as usize;
            let noise = rng.below(100) as u32 + if rng.one_in(50) { 50_000 } else { 0 };
            classes[class].push(1_000 + noise + by * class as u32);
        }
        classes
    }

    #[test]
    fn the_same_times_do_not_differ() {
        for seed in 0..20 {
            let difference = compare(times(seed, 0));
            assert!(difference.t.abs() < 5.0, "{difference:?}");
        }
    }

    #[test]
    fn a_few_nanoseconds_are_found_below_the_noise() {
        let difference = compare(times(1, 3));
        assert!(difference.t > 5.0 && difference.kept < 1.0, "{difference:?}");
    }
}
