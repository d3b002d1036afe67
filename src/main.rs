//! The `syncready` program.

fn main() {}
