//! The campaigns, one file each, all of one shape.

mod kill;

use crate::campaign::Campaign;

/// All of them, in the order in which they run.
pub(crate) const CAMPAIGNS: [Campaign; 1] = [kill::CAMPAIGN];
