//! What is on a disk after its power was cut: what was synced, and any part of the rest.
//!
//! A sync that was over before the cut has written down what was over before the sync began. Of
//! everything else that had begun, each sector of 512 bytes is there as it was at any time since,
//! and without regard to any other, of this file or of another; a file is as long as it was at any
//! time since, or anything between, and where it has grown without its bytes, they are zeros. That
//! a file was made or removed is certain after a sync of the folder, and that it was made after one
//! of its own as well: so it is with ext4, XFS and btrfs. A sector is never torn within, nothing
//! that was synced goes, and a sync that says that it is over is: a disk that lies is not modelled.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::trace::{Call, What};
use crate::rng::Rng;

/// A disk writes this much or nothing.
const SECTOR: usize = 512;

/// The store's files: their names and what is in them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Image(BTreeMap<String, Vec<u8>>);

/// How much of what was not synced is there.
pub(super) enum Survival<'a> {
    Nothing,
    Everything,
    Some(&'a mut Rng),
}

/// All that the store's files ever were in one run.
#[derive(Default)]
pub(super) struct Disk {
    files: Vec<File>,
    /// For each name which file it named, one after the other; at first none.
    names: BTreeMap<String, Vec<Named>>,
    /// The syncs of the folder.
    syncs: Vec<Span>,
}

/// From which line of the trace to which.
#[derive(Clone, Copy, Default)]
struct Span {
    begun: usize,
    over: usize,
}

struct Named {
    span: Span,
    file: Option<usize>,
}

#[derive(Default)]
struct File {
    /// On the disk before the run.
    before: Vec<u8>,
    changes: Vec<(Span, Change)>,
    syncs: Vec<Span>,
}

enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// Whether a file of this name is part of the store's data.
pub(super) fn is_kept(name: &str) -> bool {
    name.starts_with("store.db") && !name.ends_with("-shm")
}

// === impl Image ===

impl Image {
    /// What is in a folder.
    pub(super) fn read(folder: &Path) -> io::Result<Image> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_kept(&name) {
                files.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(Image(files))
    }

    /// Puts it into a folder, in place of what was there.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("store.db") {
                fs::remove_file(entry.path())?;
            }
        }
        self.0.iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes))
    }

    /// Whether a call that nobody saw end was done all the same.
    pub(super) fn shows(&self, call: &Call) -> bool {
        let file = self.0.get(&call.name);
        match &call.what {
            What::Create => file.is_some(),
            What::Remove => file.is_none(),
            What::Sync => true,
            What::Truncate(length) => file.is_some_and(|file| file.len() == *length),
            What::Write(at, bytes) => {
                file.and_then(|file| file.get(*at..at + bytes.len())) == Some(bytes.as_slice())
            }
        }
    }

    /// Its files and how long they are, and what another one has in their place.
    pub(super) fn differs(&self, other: &Image) -> String {
        let sizes = |image: &Image| -> Vec<String> {
            image.0.iter().map(|(name, bytes)| format!("{name} of {}", bytes.len())).collect()
        };
        let pairs = self.0.iter().filter_map(|(name, one)| Some((name, one, other.0.get(name)?)));
        let first = pairs.filter_map(|(name, one, two)| {
            let at = one.iter().zip(two).position(|(one, two)| one != two)?;
            Some(format!("{name} at {at}"))
        });
        let first: Vec<String> = first.collect();
        format!("{} / {}; {}", sizes(self).join(", "), sizes(other).join(", "), first.join(", "))
    }
}

// === impl Disk ===

impl Disk {
    /// A run that began with an image and made these calls.
    pub(super) fn new(before: &Image, calls: Vec<Call>) -> Disk {
        let mut disk = Disk::default();
        for (name, bytes) in &before.0 {
            let file = disk.file(File { before: bytes.clone(), ..File::default() });
            disk.named(name, Span::default(), Some(file));
        }
        for Call { begun, over, name, what } in calls {
            let span = Span { begun, over };
            let file = disk.names.get(&name).and_then(|names| names.last()?.file);
            match (what, file) {
                (What::Sync, _) if name.is_empty() => disk.syncs.push(span),
                (What::Create, None) if !name.is_empty() => {
                    let file = disk.file(File::default());
                    disk.named(&name, span, Some(file));
                }
                (What::Remove, Some(_)) => disk.named(&name, span, None),
                (What::Sync, Some(file)) => disk.files[file].syncs.push(span),
                (What::Write(at, bytes), Some(file)) => {
                    disk.files[file].changes.push((span, Change::Write(at, bytes)));
                }
                (What::Truncate(length), Some(file)) => {
                    disk.files[file].changes.push((span, Change::Truncate(length)));
                }
                _ => {}
            }
        }
        disk
    }

    fn file(&mut self, file: File) -> usize {
        self.files.push(file);
        self.files.len() - 1
    }

    fn named(&mut self, name: &str, span: Span, file: Option<usize>) {
        let nothing = || vec![Named { span: Span::default(), file: None }];
        self.names.entry(name.to_owned()).or_insert_with(nothing).push(Named { span, file });
    }

    /// What is there when the power is cut right after a line of the trace.
    pub(super) fn cut(&self, line: usize, mut survival: Survival<'_>) -> Image {
        let mut files = BTreeMap::new();
        let folder = synced(&self.syncs, line);
        for (name, names) in &self.names {
            let begun = names.iter().take_while(|named| named.span.begun <= line).count();
            let certain = names[..begun].iter().rposition(|named| {
                let own = named.file.map_or(0, |file| synced(&self.files[file].syncs, line));
                named.span.over < folder.max(own) || named.span.over == 0
            });
            let (first, last) = (certain.unwrap_or(0), begun.saturating_sub(1));
            let now = match &mut survival {
                Survival::Nothing => first,
                Survival::Everything => last,
                Survival::Some(rng) => first + rng.below((last - first) as u64 + 1) as usize,
            };
            if let Some(file) = names[now].file {
                files.insert(name.clone(), self.files[file].cut(line, &mut survival));
            }
        }
        Image(files)
    }
}

/// What was over before this line is on the disk after the last sync that is over at `line`.
fn synced(syncs: &[Span], line: usize) -> usize {
    syncs.iter().filter(|sync| sync.over <= line).map(|sync| sync.begun).max().unwrap_or(0)
}

// === impl File ===

impl File {
    fn cut(&self, line: usize, survival: &mut Survival<'_>) -> Vec<u8> {
        let since = synced(&self.syncs, line);
        let mut content = self.before.clone();
        let mut open = Vec::new();
        for (span, change) in self.changes.iter().take_while(|(span, _)| span.begun <= line) {
            match survival {
                _ if span.over < since => change.apply(&mut content),
                Survival::Nothing => {}
                Survival::Everything => change.apply(&mut content),
                Survival::Some(_) => open.push(change),
            }
        }
        if let Survival::Some(rng) = survival {
            part(&mut content, &open, rng);
        }
        content
    }
}

/// Makes some of the changes to a file, sector by sector.
fn part(content: &mut Vec<u8>, changes: &[&Change], rng: &mut Rng) {
    let mut lengths = vec![content.len()];
    let mut touched: BTreeMap<usize, u64> = BTreeMap::new();
    let mut spans = Vec::new();
    for change in changes {
        let (from, to, length) = change.reach(lengths[lengths.len() - 1]);
        lengths.push(length);
        spans.push((from, to));
        for sector in from / SECTOR..to.div_ceil(SECTOR) {
            *touched.entry(sector).or_default() += 1;
        }
    }
    // Disks differ, and so do files on one: nearly all, half, hardly any of it is there.
    let eighths = [0, 1, 4, 7, 8][rng.below(5) as usize];
    for times in touched.values_mut() {
        let all = rng.below(8) < eighths;
        // As it was after so many of the changes to it.
        *times = if all { *times } else { rng.below(*times) };
    }
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let shortest = lengths.iter().copied().min().unwrap_or(0);
    content.resize(longest, 0);
    for (change, (from, to)) in changes.iter().zip(spans) {
        for sector in from / SECTOR..to.div_ceil(SECTOR) {
            let left = touched.entry(sector).or_default();
            if *left > 0 {
                *left -= 1;
                let (from, to) = (from.max(sector * SECTOR), to.min((sector + 1) * SECTOR));
                change.apply_within(content, from, to);
            }
        }
    }
    let length = match rng.below(3) {
        0 => longest,
        1 => lengths[rng.below(lengths.len() as u64) as usize],
        _ => shortest + rng.below((longest - shortest) as u64 + 1) as usize,
    };
    content.truncate(length);
}

// === impl Change ===

impl Change {
    /// Which bytes it changes in a file of a length, and how long that is then.
    fn reach(&self, length: usize) -> (usize, usize, usize) {
        match self {
            Change::Write(at, bytes) => (*at, at + bytes.len(), length.max(at + bytes.len())),
            Change::Truncate(to) => (*to, length.max(*to), *to),
        }
    }

    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write(at, bytes) => {
                let end = at + bytes.len();
                content.resize(content.len().max(end), 0);
                content[*at..end].copy_from_slice(bytes);
            }
            Change::Truncate(length) => content.resize(*length, 0),
        }
    }

    fn apply_within(&self, content: &mut [u8], from: usize, to: usize) {
        match self {
            Change::Write(at, bytes) => {
                content[from..to].copy_from_slice(&bytes[from - at..to - at]);
            }
            Change::Truncate(_) => content[from..to].fill(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(begun: usize, over: usize, name: &str, what: What) -> Call {
        Call { begun, over, name: name.to_owned(), what }
    }

    fn disk(calls: Vec<Call>) -> Disk {
        let before = [("store.db".to_owned(), vec![b'a'; 2048])];
        Disk::new(&Image(before.into()), calls)
    }

    fn file<'a>(image: &'a Image, name: &str) -> Option<&'a [u8]> {
        image.0.get(name).map(Vec::as_slice)
    }

    #[test]
    fn a_sync_is_of_use_when_it_is_over_and_for_what_was_over_before_it() {
        let disk = disk(vec![
            call(1, 2, "store.db", What::Write(0, vec![b'b'; 512])),
            call(3, 5, "store.db", What::Write(512, vec![b'b'; 512])),
            call(4, 6, "store.db", What::Sync),
        ]);
        let least = |line| disk.cut(line, Survival::Nothing).0["store.db"].clone();
        assert_eq!(least(5), [b'a'; 2048]);
        assert_eq!(least(6)[..512], [b'b'; 512]);
        assert_eq!(least(6)[512..], [b'a'; 1536]);
        let most = disk.cut(3, Survival::Everything);
        assert_eq!(most.0["store.db"][..1024], [b'b'; 1024]);
    }

    #[test]
    fn each_sector_is_as_it_was_at_some_time() {
        let disk = disk(vec![
            call(1, 2, "store.db", What::Write(0, vec![b'b'; 3000])),
            call(3, 4, "store.db", What::Write(100, vec![b'c'; 3000])),
        ]);
        let (mut mixed, mut zeros, mut lengths) = (0, 0, std::collections::BTreeSet::new());
        for seed in 0..200 {
            let image = disk.cut(4, Survival::Some(&mut Rng::new(seed, 0)));
            let bytes = &image.0["store.db"];
            lengths.insert(bytes.len());
            assert!((2048..=3100).contains(&bytes.len()));
            let whole: Vec<u8> = bytes[..2048].chunks(SECTOR).map(|sector| sector[511]).collect();
            for (number, sector) in bytes[512..2048].chunks(SECTOR).enumerate() {
                assert!(sector.iter().all(|byte| *byte == whole[number + 1]));
            }
            mixed += u32::from(whole.iter().any(|byte| *byte != whole[0]));
            zeros += u32::from(bytes.contains(&0));
        }
        assert!(mixed > 40 && zeros > 20 && lengths.len() > 20, "{mixed} {zeros} {lengths:?}");
    }

    #[test]
    fn names_are_certain_after_a_sync_of_the_folder_or_their_own() {
        let name = "store.db-wal";
        let disk = disk(vec![
            call(1, 1, name, What::Create),
            call(2, 2, name, What::Sync),
            call(3, 3, name, What::Remove),
            call(4, 4, "", What::Sync),
        ]);
        let there = |line, survival| file(&disk.cut(line, survival), name).is_some();
        assert!(!there(1, Survival::Nothing) && there(1, Survival::Everything));
        assert!(there(2, Survival::Nothing));
        assert!(there(3, Survival::Nothing) && !there(3, Survival::Everything));
        assert!(!there(4, Survival::Nothing));
    }
}
