//! Makes a finding small, so that a person sees what it is about.

use std::time::Duration;

use twimlgate::clock;

/// Nobody waits longer for a smaller finding.
const WITHIN: Duration = Duration::from_secs(20);

/// The smallest input that is found for which `still` holds.
pub(crate) fn shrink(input: &[u8], still: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let began = clock::now();
    let mut input = input.to_vec();
    let mut piece = input.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        let mut smaller = false;
        while at < input.len() {
            if clock::now().duration_since(began) > WITHIN {
                return input;
            }
            let mut without = input.clone();
            without.drain(at..(at + piece).min(input.len()));
            if still(&without) {
                (input, smaller) = (without, true);
            } else {
                at += piece;
            }
        }
        // What could not go before may go now.
        if !(smaller && piece == 1) {
            piece /= 2;
        }
    }
    input
}
