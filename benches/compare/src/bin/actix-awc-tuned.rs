//! actix-web and awc with everything set that makes it faster, and the system's allocator.

fn main() -> std::io::Result<()> {
    compare::forward::tuned()
}
