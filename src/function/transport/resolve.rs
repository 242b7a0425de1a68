//! From a host's name to addresses, with a cache for the time that the name server is down.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::error::{TransportError, describe_system_error, printable};
use crate::clock;
use crate::function::egress::Trust;
use crate::function::url::Origin;
use crate::limits::{FUNCTION_ADDRESSES_MAX, LAST_GOOD_ADDRESS_FOR, RESOLVE_WITHIN};

/// Where names are looked up.
#[derive(Clone, Debug, Default)]
pub enum Resolver {
    /// The operating system (`/etc/hosts`, name servers, …), off the
    /// worker's thread.
    #[default]
    System,
    /// A table, which may be changed while it is in use.
    Table(Arc<Mutex<HashMap<String, ResolverEntry>>>),
}

/// What [`Resolver::Table`] says about a name. A name that is not in it does not exist.
#[derive(Clone, Debug)]
pub enum ResolverEntry {
    /// Its addresses.
    Addresses(Vec<IpAddr>),
    /// The name server answers with an error.
    Fails,
    /// The name server never answers.
    Silent,
}

/// The resolver, and the last good addresses of the configured hosts. Names from redirects are not
/// cached: strangers could fill the memory with them.
#[derive(Debug, Default)]
pub(super) struct ResolverCache {
    resolver: Resolver,
    last_good: Mutex<HashMap<String, (Instant, Vec<IpAddr>)>>,
}

// === impl ResolverCache ===

impl ResolverCache {
    pub(super) fn new(resolver: Resolver) -> ResolverCache {
        ResolverCache { resolver, last_good: Mutex::default() }
    }

    /// The addresses of a host, unchecked, at most `FUNCTION_ADDRESSES_MAX`. An address written as
    /// such is its own answer; every other spelling of one (`0x7f.1`, `2130706433`) goes through
    /// the resolver and comes out as an address as well.
    ///
    /// # Errors
    /// If the resolver fails, and no address is cached.
    pub(super) async fn look_up(
        &self,
        origin: &Origin,
        trust: Trust,
    ) -> Result<Vec<SocketAddr>, TransportError> {
        let host = origin.host.as_str();
        // Not by the resolver, which might answer with another address.
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let host_shown = || printable(host.as_bytes());
                let failed = |reason| TransportError::Resolve { host: host_shown(), reason };
                self.look_up_name(host, trust).await.map_err(failed)?
            }
        };
        let addresses = found.into_iter().take(FUNCTION_ADDRESSES_MAX);
        Ok(addresses.map(|address| SocketAddr::new(address, origin.port)).collect())
    }

    async fn look_up_name(&self, host: &str, trust: Trust) -> Result<Vec<IpAddr>, String> {
        if trust == Trust::Computed {
            return self.resolver.resolve(host).await;
        }
        let Some(cached) = self.last_good_addresses(host) else {
            let addresses = self.resolver.resolve(host).await?;
            self.store(host, &addresses);
            return Ok(addresses);
        };
        // With addresses at hand, a name server that is slow need not cost the whole deadline.
        match timeout(RESOLVE_WITHIN, self.resolver.resolve(host)).await {
            Ok(Ok(addresses)) => {
                self.store(host, &addresses);
                Ok(addresses)
            }
            Ok(Err(_)) | Err(_) => Ok(cached),
        }
    }

    /// The last good addresses, while they may still be used.
    fn last_good_addresses(&self, host: &str) -> Option<Vec<IpAddr>> {
        let last_good = self.last_good.lock();
        let (at, addresses) = last_good.get(host)?;
        (clock::now().duration_since(*at) <= LAST_GOOD_ADDRESS_FOR).then(|| addresses.clone())
    }

    fn store(&self, host: &str, addresses: &[IpAddr]) {
        let mut last_good = self.last_good.lock();
        last_good.insert(host.to_owned(), (clock::now(), addresses.to_vec()));
    }
}

// === impl Resolver ===

impl Resolver {
    /// All addresses of a name; an empty answer is an error.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let addresses = match self {
            Resolver::System => {
                // The port does not matter here; the caller sets it.
                let found = tokio::net::lookup_host((host, 0)).await;
                let found = found.map_err(|error| describe_system_error(&error))?;
                found.map(|address| address.ip()).collect()
            }
            Resolver::Table(table) => {
                // A clone, because the lock must not be held over the wait below.
                let entry = table.lock().get(host).cloned();
                match entry {
                    Some(ResolverEntry::Addresses(addresses)) => addresses,
                    Some(ResolverEntry::Silent) => std::future::pending().await,
                    Some(ResolverEntry::Fails) => return Err("the name server failed".to_owned()),
                    None => return Err("there is no such name".to_owned()),
                }
            }
        };
        if addresses.is_empty() { Err("it has no address".to_owned()) } else { Ok(addresses) }
    }
}
