//! The campaigns, one file each, all of one shape.

mod duplicates;
mod forged;
mod kill;
mod order;
mod replays;
mod sweep;

use crate::campaign::Campaign;

/// All of them, in the order in which they run.
pub(crate) const CAMPAIGNS: [Campaign; 6] = [
    kill::CAMPAIGN,
    sweep::CAMPAIGN,
    duplicates::CAMPAIGN,
    order::CAMPAIGN,
    replays::CAMPAIGN,
    forged::CAMPAIGN,
];
