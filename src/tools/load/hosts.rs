//! The hosts that may be loaded.

use std::net::IpAddr;

use crate::uri::host;

/// The hosts that a load on `url` may reach: its own, and those that the user owns.
///
/// # Errors
/// If the host of `url` is neither this machine nor one of those: the option that would allow it.
pub fn allowed_hosts(url: &str, own: &[String]) -> Result<Vec<String>, String> {
    let host = host(url).unwrap_or_default();
    let own: Vec<String> = own.iter().map(|host| host.to_ascii_lowercase()).collect();
    let address: Option<IpAddr> = host.parse().ok();
    // Names are not looked up: one that resolves to loopback now may not do so later.
    let loopback = address.is_some_and(|address| address.is_loopback()) || host == "localhost";
    if !loopback && !own.contains(&host) {
        return Err(format!(
            "`{host}` is not this machine, and a load can bring a server down; if it is yours, \
             add `--yes-i-own-this-host {host}`"
        ));
    }
    Ok(own.into_iter().chain([host]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_own_hosts_are_allowed() {
        let own = ["gate.example".to_owned()];
        for url in ["http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost#rc=1"] {
            assert!(allowed_hosts(url, &[]).is_ok(), "{url}");
        }
        for url in ["http://gate.example/x", "http://10.0.0.1/", "http://127.0.0.1.example/"] {
            assert!(allowed_hosts(url, &[]).is_err(), "{url}");
        }
        assert!(allowed_hosts("https://u:p@gate.example:8443/x?y", &own).is_ok());
        assert!(allowed_hosts("https://gate.example@evil.example/x", &own).is_err());
    }
}
