//! actix-web and awc with everything set that makes it faster, mimalloc included.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::io::Result<()> {
    compare::forward::tuned()
}
