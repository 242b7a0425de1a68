//! The campaigns, one file each, all of one shape.

mod duplicates;
mod forged;
mod kill;
mod order;
mod overload;
mod power;
mod replays;
mod sweep;
mod timing;

use crate::campaign::Campaign;

/// All of them, in the order in which they run.
pub(crate) const CAMPAIGNS: [Campaign; 9] = [
    kill::CAMPAIGN,
    sweep::CAMPAIGN,
    power::CAMPAIGN,
    duplicates::CAMPAIGN,
    order::CAMPAIGN,
    replays::CAMPAIGN,
    forged::CAMPAIGN,
    timing::CAMPAIGN,
    overload::CAMPAIGN,
];
