use danso_tier_config::directory::official;
fn main(){
 let names=["units/gso_communes_before_downloaded_2025-07-18.csv","units/gso_districts_before.csv","units/communes_after_2026-07-25.csv","units/cv915_CTK-CSCL_province_codes.csv","mapping/gso_conversion_table_new_old_2025-07.csv"];
 let t:Vec<_>=names.iter().map(|n|(n.to_string(),std::fs::read_to_string(format!("/work/shared/data/{n}")).unwrap())).collect();
 let f:Vec<(&str,&str)>=t.iter().map(|(a,b)|(a.as_str(),b.as_str())).collect();
 let s=std::time::Instant::now();
 let (d,r)=official::import(&f).unwrap();
 println!("{:?}",s.elapsed());
 let s=std::time::Instant::now(); let c=d.to_csv(); println!("csv {:?} {}",s.elapsed(),c.len());
 let s=std::time::Instant::now(); danso_tier_config::Directory::read_csv(&c,"x").unwrap(); println!("read {:?}",s.elapsed());
 let v=d.at("2025-06-30".parse().unwrap());
 let ids=v.units_of_tier("commune"); let root=danso_tier_config::Directory::country();
 let s=std::time::Instant::now(); let n=ids.iter().filter(|i|v.is_below(**i,root)).count(); println!("{n} is_below {:?}",s.elapsed());
 let s=std::time::Instant::now(); println!("{} leaves {:?}",v.leaves_below(root).len(),s.elapsed());
 print!("{r}");
}
