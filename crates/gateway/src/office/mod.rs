//! What operators do, whichever door they come by: the command line, the console, or the operations API.
//! Each door reads what is wanted and shows what came of it; what is done is the same.

pub mod apps;
pub mod orders;
pub mod sessions;
