mod canonical;
mod pattern;
mod slow;
mod table;
