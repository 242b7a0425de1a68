//! How an input becomes another one: bytes, tokens and lines put in, cut, repeated and crossed.

use crate::targets::Target;
use crate::targets::random::Random;

/// Longer inputs are cut. Bounds that lie beyond are tried with seeds.
const BYTES_MAX: usize = 6_000;
/// Inputs that grew, kept to grow on.
const POOL_MAX: usize = 4_000;

/// Inputs to grow from.
pub(crate) struct Pool {
    seeds: Vec<Vec<u8>>,
    grown: Vec<Vec<u8>>,
}

impl Pool {
    pub(crate) fn new(seeds: Vec<Vec<u8>>) -> Pool {
        let seeds = if seeds.is_empty() { vec![Vec::new()] } else { seeds };
        Pool { seeds, grown: Vec::new() }
    }

    /// Keeps an input that led to something new.
    pub(crate) fn keep(&mut self, input: Vec<u8>, random: &mut Random) {
        if self.grown.len() < POOL_MAX {
            self.grown.push(input);
        } else {
            let index = random.below(POOL_MAX);
            self.grown[index] = input;
        }
    }

    fn pick(&self, random: &mut Random) -> &Vec<u8> {
        // The newest lead on to what nobody has seen yet, more often than the others.
        let newest = self.grown.len().saturating_sub(16);
        match random.below(8) {
            0..3 if !self.grown.is_empty() => random.pick(&self.grown),
            3 if !self.grown.is_empty() => random.pick(&self.grown[newest..]),
            _ => {
                // Large ones are slow: of two, the smaller one is taken.
                let (one, other) = (random.pick(&self.seeds), random.pick(&self.seeds));
                if one.len() < other.len() { one } else { other }
            }
        }
    }

    /// A new input out of old ones.
    pub(crate) fn grow(&self, target: &Target, random: &mut Random) -> Vec<u8> {
        let mut input = self.pick(random).to_vec();
        let bytes_max = BYTES_MAX.max(input.len());
        // Most changes break an input, so most inputs get few.
        let changes = 1 + random.below(8) * random.below(4) / 3;
        for _ in 0..changes {
            match random.below(16) {
                0 => cross(&mut input, self.pick(random), random),
                1..4 => lines(&mut input, random),
                4..8 => tokens(&mut input, target.tokens, random),
                8..11 => (target.grow)(random, &mut input),
                _ => bytes(&mut input, random),
            }
            input.truncate(bytes_max);
        }
        input
    }
}

/// A place in the input, and another one not far behind it.
fn span(input: &[u8], far: usize, random: &mut Random) -> (usize, usize) {
    let at = random.below(input.len() + 1);
    (at, (at + random.below(far)).min(input.len()))
}

/// The end of another input, or some of it, in this one.
fn cross(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let (from, end) = span(other, other.len() + 1, random);
    let (at, to) = span(input, 40, random);
    match random.below(3) {
        0 => input.truncate(at),
        1 => drop(input.drain(at..to)),
        _ => {}
    }
    let at = at.min(input.len());
    input.splice(at..at, other[from..end].iter().copied());
}

/// A token put in, or in the place of something.
fn tokens(input: &mut Vec<u8>, tokens: &[&str], random: &mut Random) {
    if tokens.is_empty() {
        return bytes(input, random);
    }
    let token = random.pick(tokens).as_bytes();
    let (at, mut end) = span(input, 12, random);
    if random.one_in(2) {
        end = at;
    } else if random.one_in(2) {
        // In the place of another token, if it is in there.
        let other = random.pick(tokens).as_bytes();
        let place = input.windows(other.len()).position(|window| window == other);
        if let Some(place) = place {
            input.splice(place..place + other.len(), token.iter().copied());
            return;
        }
    }
    input.splice(at..end, token.iter().copied());
}

/// A line gone, moved, or there once more.
fn lines(input: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> =
        input.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.len() < 2 {
        return bytes(input, random);
    }
    let (one, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(3) {
        0 => drop(lines.remove(one)),
        1 => lines.swap(one, other),
        _ => lines.insert(other, lines[one].clone()),
    }
    *input = lines.concat();
}

/// What can be done with bytes that mean nothing.
fn bytes(input: &mut Vec<u8>, random: &mut Random) {
    let (at, end) = span(input, 24, random);
    match random.below(7) {
        0 => drop(input.drain(at..end)),
        1 => {
            let piece = input[at..end].repeat(1 + random.below(4));
            input.splice(at..at, piece);
        }
        2 if at < input.len() => input[at] ^= 1 << random.below(8),
        3 if at < input.len() => input[at] = random.below(256) as u8,
        4 => number(input, at, random),
        5 => {
            let piece = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, piece);
        }
        _ => {
            input.insert(at, *random.pick(b"\0\t\n\r !\"#%&'+,-./0129:;<=>@A[\\]_a{|}\x7f\x80\xff"))
        }
    }
}

/// Another number in the place of the next one.
fn number(input: &mut Vec<u8>, at: usize, random: &mut Random) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = input[at..].iter().position(digit).map(|start| at + start) else { return };
    let length = input[start..].iter().take_while(|byte| digit(byte)).count();
    let number = random.pick::<&str>(&[
        "0",
        "1",
        "7",
        "8",
        "9",
        "10",
        "16",
        "32",
        "33",
        "64",
        "65",
        "127",
        "255",
        "256",
        "999",
        "1000",
        "1001",
        "65535",
        "65536",
        "65537",
        "99999",
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "18446744073709551616",
        "00",
        "1.5",
        "-1",
        "1e9",
    ]);
    input.splice(start..start + length, number.bytes());
}
