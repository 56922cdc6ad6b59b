case lower(btrim({value}, E' \t\n\r\f\x0b'))
    when 'true' then true
    when 't' then true
    when 'yes' then true
    when 'y' then true
    when 'on' then true
    when '1' then true
    when 'false' then false
    when 'f' then false
    when 'no' then false
    when 'n' then false
    when 'off' then false
    when '0' then false
end
