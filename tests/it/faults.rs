//! Every call of a pass, failing in every way.
