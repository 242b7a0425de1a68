//! A PostgreSQL of this test run, from the installed programs: in a folder of its own, on a free
//! port, never an existing one. It ends with the process, however that ends.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A running cluster.
pub(crate) struct Cluster {
    /// The address of its TCP listener.
    pub(crate) port: u16,
    /// Its folder, with `server.crt`.
    pub(crate) folder: PathBuf,
    // Its end of the pipe ends the shell, which ends the server and removes the folder.
    _shell: Child,
}

/// The user `nobody`: `initdb` refuses to run as root.
const NOBODY: u32 = 65_534;

/// Makes a cluster and keeps it until its standard input ends.
const SCRIPT: &str = r#"
"$1/initdb" -D "$2/data" -A trust -U postgres --no-sync -E UTF8 --locale=C >"$2/log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -k "$2" -p "$3" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c ssl=on -c ssl_cert_file="$2/server.crt" -c ssl_key_file="$2/server.key" \
    -c max_connections=300 -c log_min_messages=warning >>"$2/log" 2>&1 &
until "$1/pg_isready" -q -h "$2" -p "$3"; do :; done
echo started
read -r _
kill -INT $!
wait $!
rm -rf "$2"
"#;

/// The cluster of this process. `None` where PostgreSQL is not installed; a line says so, once.
pub(crate) fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    let made = CLUSTER.get_or_init(|| {
        let programs = find_programs();
        if programs.is_none() {
            eprintln!("skipped on PostgreSQL: no `initdb` (apt-get install postgresql)");
        }
        programs.map(|programs| Cluster::start(&programs))
    });
    made.as_ref()
}

/// The folder of `initdb`, of the latest version.
fn find_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    let mut found: Vec<PathBuf> = folders.filter(|it| it.join("initdb").exists()).collect();
    found.sort();
    let of_path = std::env::var_os("PATH").unwrap_or_default();
    let of_path = std::env::split_paths(&of_path).find(|folder| folder.join("initdb").exists());
    found.pop().or(of_path)
}

// === impl Cluster ===

impl Cluster {
    fn start(programs: &Path) -> Cluster {
        // Short, because the path of a socket has a limit; and for another user to enter.
        let folder = std::env::temp_dir().join(format!("twimlgate-pg-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = folder.join("server.key");
        std::fs::write(folder.join("server.crt"), made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).args([programs, &folder]).arg(port.to_string());
        if is_root {
            for path in [&folder, &key, &folder.join("server.crt")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            shell.uid(NOBODY).gid(NOBODY);
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        shell.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.process_group(0).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "started\n", "see {}", folder.join("log").display());
        Cluster { port, folder, _shell: shell }
    }

    /// The URL of a schema, over a port: that of the server, or of a proxy in front of it.
    pub(crate) fn url(&self, schema: &str, port: u16, node: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{port}/postgres?schema={schema}&application_name={node}"
        )
    }

    /// The name of a schema that no other test has.
    pub(crate) fn schema(&self, test: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("t{count}_{}", test.replace('-', "_"))
    }

    /// Runs SQL from outside of the store, and returns the first column of the first row.
    pub(crate) async fn sql(&self, sql: &str) -> Option<String> {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        let query = async move { client.simple_query(sql).await.unwrap() };
        // The connection ends with its client.
        let (messages, ended) = tokio::join!(query, connection);
        ended.unwrap();
        messages.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    }
}
