//! Whom one may load.

use std::net::IpAddr;

use crate::uri::host;

/// The hosts that a load on `url` may go to: its own, if that is this machine or one of those that
/// the user says are his, and those.
///
/// # Errors
/// Where it is neither: what to say for it.
pub fn may_load(url: &str, own: &[String]) -> Result<Vec<String>, String> {
    let host = host(url).unwrap_or_default();
    let own: Vec<String> = own.iter().map(|host| host.to_ascii_lowercase()).collect();
    let address: Option<IpAddr> = host.parse().ok();
    let loopback = address.is_some_and(|address| address.is_loopback()) || host == "localhost";
    if !loopback && !own.contains(&host) {
        return Err(format!(
            "`{host}` is not this machine, and a load can bring a server down; if it is yours, \
             say `--yes-i-own-this-host {host}`"
        ));
    }
    Ok(own.into_iter().chain([host]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_what_is_said_to_be_ones_own() {
        let own = ["gate.example".to_owned()];
        for url in ["http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost#rc=1"] {
            assert!(may_load(url, &[]).is_ok(), "{url}");
        }
        for url in ["http://gate.example/x", "http://10.0.0.1/", "http://127.0.0.1.example/"] {
            assert!(may_load(url, &[]).is_err(), "{url}");
        }
        assert!(may_load("https://u:p@gate.example:8443/x?y", &own).is_ok());
        assert!(may_load("https://gate.example@evil.example/x", &own).is_err());
    }
}
