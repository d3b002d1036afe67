//! Checks, queries and collectors of the user's own, through the program and against the lab.

#![cfg(unix)]

mod brought;
mod collectors;
mod knowledge;
mod page;
mod place;
mod queries;
mod refusals;
mod writing;
