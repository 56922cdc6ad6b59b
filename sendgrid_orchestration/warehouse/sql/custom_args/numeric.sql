-- Classes are spelled out: what \s and \d match depends on the database's locale, and the cast knows ASCII alone.
case
    when
        length({value}) <= 100
        and {value} ~ '^[ \t\n\r\f\v]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{{1,2}})?[ \t\n\r\f\v]*$'
        then ({value})::numeric
end
