//! Profiles of tiers: the shipped ones, and what is refused in others.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use danso_tier_config::{Hierarchy, Policy, TierName};

fn names(hierarchy: &Hierarchy) -> Vec<&str> {
    hierarchy.tiers().iter().map(|tier| tier.name.as_str()).collect()
}

#[test]
fn shipped_profiles_are_the_programmes_tiers() {
    let four = Hierarchy::shipped("four-tier").unwrap();
    assert_eq!(names(&four), ["commune", "district", "province", "central"]);
    assert_eq!(four.name(), "four-tier");
    let three = Hierarchy::shipped("three-tier").unwrap();
    assert_eq!(names(&three), ["commune", "province", "central"]);
    assert_eq!(Hierarchy::shipped("five-tier"), None);
    assert_eq!(Hierarchy::shipped_names().collect::<Vec<_>>(), ["four-tier", "three-tier"]);
}

#[test]
fn names_pass_up_to_the_province_and_cores_to_the_centre() {
    for profile in ["four-tier", "three-tier"] {
        let hierarchy = Hierarchy::shipped(profile).unwrap();
        for tier in hierarchy.tiers() {
            let expected = match hierarchy.above(&tier.name).map(|above| above.name.as_str()) {
                None => None,
                Some("central") => Some(Policy::Cores),
                Some(_) => Some(Policy::Names),
            };
            assert_eq!(tier.up, expected, "{profile} {}", tier.name);
            assert_eq!(tier.records, tier.name == hierarchy.bottom().name);
        }
        assert_eq!(hierarchy.top().name, "central");
        assert!(hierarchy.is_above("central", "commune"));
        assert!(!hierarchy.is_above("commune", "commune"));
    }
}

#[test]
fn above_and_below_stop_at_the_ends() {
    let hierarchy = Hierarchy::shipped("three-tier").unwrap();
    assert_eq!(hierarchy.above("commune").unwrap().name, "province");
    assert_eq!(hierarchy.below("province").unwrap().name, "commune");
    assert_eq!(hierarchy.above("central"), None);
    assert_eq!(hierarchy.below("commune"), None);
    assert_eq!(hierarchy.above("district"), None);
}

#[test]
fn policies_order_from_strict_to_lax() {
    assert!(Policy::Counts < Policy::Cores && Policy::Cores < Policy::Names);
    for policy in [Policy::Counts, Policy::Cores, Policy::Names] {
        assert_eq!(policy.to_string().parse(), Ok(policy));
        assert_eq!(serde_json::to_string(&policy).unwrap(), format!("\"{policy}\""));
    }
    assert!("Names".parse::<Policy>().is_err());
}

#[test]
fn tier_names_survive_serde_and_refuse_other_letters() {
    let tier: TierName = "commune".parse().unwrap();
    assert_eq!(postcard::from_bytes::<TierName>(&postcard::to_stdvec(&tier).unwrap()), Ok(tier.clone()));
    assert_eq!(serde_json::from_str::<TierName>("\"commune\"").unwrap(), tier);
    for text in ["", "Commune", "xã", "a b", &"x".repeat(33)] {
        assert!(text.parse::<TierName>().is_err(), "{text}");
    }
}

#[test]
fn every_fault_of_a_profile_is_told_with_its_line() {
    let text = "name = \"five\"\nnmae = 1\n[[tier]]\nname = \"hamlet\"\nup = \"all\"\n\
                [[tier]]\nname = \"hamlet\"\nrecords = true\nup = \"names\"\n[[tier]]\nname = \"top\"\nup = \"cores\"\n";
    let faults = Hierarchy::parse(text, "five.toml").unwrap_err();
    let told: Vec<_> = faults.0.iter().map(|fault| (fault.line, fault.key.as_str(), fault.code)).collect();
    assert_eq!(
        told,
        [
            (2, "nmae", "key-unknown"),
            (4, "tier[0].records", "value-form"),
            (5, "tier[0].up", "value-form"),
            (7, "tier[1].name", "value-form"),
            (8, "tier[1].records", "value-form"),
            (12, "tier[2].up", "value-form"),
        ],
        "{faults}"
    );
    assert!(faults.to_string().contains("did you mean `name`?"), "{faults}");
}

#[test]
fn a_profile_of_a_single_tier_is_top_and_bottom() {
    let one =
        Hierarchy::parse("name = \"one\"\n[[tier]]\nname = \"all\"\nrecords = true\n", "one.toml").unwrap();
    assert_eq!(one.top(), one.bottom());
    assert!(Hierarchy::parse("name = \"none\"\n", "none.toml").is_err());
}
