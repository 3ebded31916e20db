//! What is found of a unit, rule by rule.
