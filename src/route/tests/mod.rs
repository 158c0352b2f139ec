mod canonical;
mod pattern;
mod table;
