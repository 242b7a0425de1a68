//! What a process used, from `/proc`.

use std::fs;
use std::io::{Error, Result};
use std::time::Duration;

/// `/proc` counts in hundredths of a second, whatever the kernel's own clock (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Resident memory in kB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// At most, since each process began.
    pub peak: u64,
}

/// CPU time of these processes with all their threads.
pub fn cpu(pids: &[u32]) -> Result<Duration> {
    pids.iter().map(|pid| ticks(*pid)).sum::<Result<u32>>().map(|ticks| TICK * ticks)
}

/// Memory of these processes; pages that they share count for each of them.
pub fn memory(pids: &[u32]) -> Result<Memory> {
    let mut sum = Memory::default();
    for pid in pids {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        sum.resident += kilobytes(&status, "VmRSS:");
        sum.peak += kilobytes(&status, "VmHWM:");
    }
    Ok(sum)
}

fn ticks(pid: u32) -> Result<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the name, which may hold spaces and brackets; utime and stime are 14 and
    // 15, so 11 and 12 behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let times: Vec<u32> =
        fields.split_ascii_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    match times[..] {
        [user, system] => Ok(user + system),
        _ => Err(Error::other(format!("`/proc/{pid}/stat` has no times: `{stat}`"))),
    }
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process() {
        let own = [std::process::id()];
        assert!(cpu(&own).unwrap() < Duration::from_secs(60));
        let memory = memory(&own).unwrap();
        assert!(memory.resident > 100 && memory.peak >= memory.resident, "{memory:?}");
    }
}
