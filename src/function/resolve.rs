//! From a host's name to addresses, within the deadline, with a memory for bad moments.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Instant, timeout};

use super::error::{Problem, word};
use super::target::Origin;
use crate::clock;
use crate::limits::{FUNCTION_ADDRESSES_MAX, LAST_GOOD_ADDRESS_FOR, RESOLVE_WITHIN};

/// Who is asked.
#[derive(Clone, Debug, Default)]
pub enum Resolver {
    /// The operating system (`/etc/hosts`, name servers, …), off the worker's thread.
    #[default]
    System,
    /// A table that is given, and may be changed while it is in use.
    Table(Arc<Mutex<HashMap<String, Entry>>>),
}

/// What [`Resolver::Table`] says about a name. A name that is not in it does not exist.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Its addresses.
    Addresses(Vec<IpAddr>),
    /// The name server answers with an error.
    Fails,
    /// The name server never answers.
    Silent,
}

/// The resolver and the last good answers for the configured hosts. Names from redirects are not
/// remembered: strangers could fill the memory with them.
#[derive(Debug, Default)]
pub(super) struct Names {
    resolver: Resolver,
    last_good: Mutex<HashMap<String, (Instant, Vec<IpAddr>)>>,
}

// === impl Names ===

impl Names {
    pub(super) fn new(resolver: Resolver) -> Names {
        Names { resolver, last_good: Mutex::default() }
    }

    /// The addresses of a host, unchecked, at most `FUNCTION_ADDRESSES_MAX`. An address written as
    /// such is its own answer; every other spelling of one (`0x7f.1`, `2130706433`) goes through
    /// the resolver and comes out as an address as well.
    pub(super) async fn addresses(
        &self,
        origin: &Origin,
        configured: bool,
    ) -> Result<Vec<SocketAddr>, Problem> {
        let host = origin.host.as_str();
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self
                .look_up(host, configured)
                .await
                .map_err(|reason| Problem::Resolve { host: word(host.as_bytes()), reason })?,
        };
        let addresses = found.into_iter().take(FUNCTION_ADDRESSES_MAX);
        Ok(addresses.map(|address| SocketAddr::new(address, origin.port)).collect())
    }

    async fn look_up(&self, host: &str, configured: bool) -> Result<Vec<IpAddr>, String> {
        if !configured {
            return self.resolver.ask(host).await;
        }
        let Some(remembered) = self.remembered(host) else {
            let addresses = self.resolver.ask(host).await?;
            self.remember(host, &addresses);
            return Ok(addresses);
        };
        match timeout(RESOLVE_WITHIN, self.resolver.ask(host)).await {
            Ok(Ok(addresses)) => {
                self.remember(host, &addresses);
                Ok(addresses)
            }
            Ok(Err(_)) | Err(_) => Ok(remembered),
        }
    }

    /// The last good answer, while it may still be used.
    fn remembered(&self, host: &str) -> Option<Vec<IpAddr>> {
        let last_good = self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, addresses) = last_good.get(host)?;
        (clock::now().duration_since(*at) <= LAST_GOOD_ADDRESS_FOR).then(|| addresses.clone())
    }

    fn remember(&self, host: &str, addresses: &[IpAddr]) {
        let mut last_good = self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        last_good.insert(host.to_owned(), (clock::now(), addresses.to_vec()));
    }
}

// === impl Resolver ===

impl Resolver {
    /// All addresses of a name; an empty answer is an error.
    async fn ask(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let addresses = match self {
            Resolver::System => {
                let found = tokio::net::lookup_host((host, 0)).await;
                let found = found.map_err(|error| word(error.to_string().as_bytes()))?;
                found.map(|address| address.ip()).collect()
            }
            Resolver::Table(table) => {
                let entry = {
                    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
                    table.get(host).cloned()
                };
                match entry {
                    Some(Entry::Addresses(addresses)) => addresses,
                    Some(Entry::Silent) => std::future::pending().await,
                    Some(Entry::Fails) => return Err("the name server failed".to_owned()),
                    None => return Err("there is no such name".to_owned()),
                }
            }
        };
        if addresses.is_empty() { Err("it has no address".to_owned()) } else { Ok(addresses) }
    }
}
