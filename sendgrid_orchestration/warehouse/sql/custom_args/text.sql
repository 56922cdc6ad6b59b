-- Whatever was sent, as text; objects and arrays as their JSON.
{value}
