# What a setting can have: one line without what agent.conf reads as a comment or an escape.
type Cartridge_agent::Value = Variant[Pattern[/\A(?!.*(\s;|%%))[^\r\n\0]+\z/], Integer, Boolean]
